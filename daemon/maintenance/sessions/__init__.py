"""A scanning session as a person handles it: it is ordered, told to pause or to go on, followed and reported."""
