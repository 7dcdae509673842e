"""The steps of `geolabel embed`: train, encode, search, evaluate, segment, cluster."""
