"""What `embed cluster` is made of: the files of clusters, and their names."""
