"""A region on its way to a map: what is asked for, the work folder, the shards, and the map that is made of them."""
