"""What happened to a job when it was stopped: journal -> findings -> verdict, as text and JSON. Pure."""
