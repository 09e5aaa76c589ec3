"""The position of the infrared against the picture: shift, scale and drift. May import planes and statistics."""
