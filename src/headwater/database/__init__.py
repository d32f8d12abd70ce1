"""PostgreSQL: the pool, the migrations, and SQL statements by name.

`pool` opens connections, `transactions` borrows one, `faults` says which failures pass, `migrations` builds the
schema, `queries` loads the statements that other rooms keep in their own `.sql` files.
"""
