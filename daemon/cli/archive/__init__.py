"""The commands for the archive, one module each. Imports the screen and the station that a command works on."""
