"""Published measurements against the engine: tables read, rows ruled in or out, each row predicted."""
