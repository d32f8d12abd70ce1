"""The console: web pages for people, served beside the admin API by the console role.

`accounts/` is who people are and how they sign in, without the web framework; `pages/` has a module for each part of the
navigation; the modules here are what every page stands on.
"""
