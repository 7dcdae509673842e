"""The steps of `geolabel embed`: one verb a file, and for each a room of what it is made of."""
