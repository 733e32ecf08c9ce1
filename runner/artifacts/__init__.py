"""What goes into a job and what comes out of it: object stores, archives, uploads. Everything here blocks."""
