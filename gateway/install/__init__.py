"""Makes a bare Raspberry Pi the clinic's gateway: what is written is rendered purely, and put in place by one thin hand."""
