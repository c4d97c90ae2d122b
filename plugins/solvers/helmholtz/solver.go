package helmholtz
