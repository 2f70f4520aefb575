"""What is done to tasks: cancellations and interrupts."""
