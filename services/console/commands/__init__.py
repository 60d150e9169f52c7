"""The commands of `wufei`, one module each; `main` reads the command line and picks one."""
