"""Tones of images: the veil of haze over them, contrast, shadows; numpy in, numbers out."""
