"""Labels: class schemes, tables of tags, and the share of each class in each tile."""
