"""The Corefile: text in, server blocks of keys and directives out, every error with its file, line and word.

Pure but for `files`, which reads what `import` names. `Arguments` is the cursor that every plugin's setup reads with.
"""
