"""What an operator does with stored data. The command line imports a module of this when it is asked for."""
