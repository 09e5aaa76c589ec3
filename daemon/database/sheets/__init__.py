"""What contact sheets and the review of frames read of the queue's rows. Imports the queue's rows and the core."""
