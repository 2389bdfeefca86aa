"""What people see: the board, incident and site pages, sign-in, and the live stream that keeps them true."""
