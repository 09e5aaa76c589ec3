"""Frames and people: flags with their numbers, decisions, descriptions. Imports maintenance and the rooms below."""
