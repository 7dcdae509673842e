"""Parts of `geolabel dehaze`: what is read, how much veil there is, the tones of the result, what is written."""
