"""What people look at: pages made by the server, read only. Nothing here decides what is said of a treatment."""
