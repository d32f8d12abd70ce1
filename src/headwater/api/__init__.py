"""The admin API: everything that people and programs change, over HTTP.

Only the console role imports this room: it is the one that loads the web framework.
"""
