"""What an inspector takes along to an unannounced check, made at the district and held against a clinic's pack on site."""
