"""The public HTTP doors: the tracking API, the pixel, SDK settings, and the Lytics collect API.

`app` is a bare ASGI application. A request goes one way: `routes` finds the handler, `body` reads and inflates,
`write_keys` names the source, `normalise` makes one event, the log writer makes it durable, `replies` answers.
"""
