"""What a set of tiles looks like in numbers: projections, neighbours, outliers, duplicates, artefacts, prototypes."""
