"""Where the infrared lies against the picture: shift, scale and drift. Imports planes."""
