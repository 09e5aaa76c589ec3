"""The review of frames by people: flags with their numbers, and decisions. Imports maintenance and the rooms below."""
