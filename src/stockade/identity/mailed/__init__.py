"""The mailed ways in: letters whose link proves an address, lets somebody in, sets a password, changes an address.

A link works once. Opening it changes nothing, since mail scanners open links: the page behind it has a button. What was
asked for in a browser works in that browser alone; what nobody asked for (an invitation, the way back to a former
address) works wherever it is opened.
"""
