"""The plugins: one module or folder for each Corefile word, strangers to each other."""
