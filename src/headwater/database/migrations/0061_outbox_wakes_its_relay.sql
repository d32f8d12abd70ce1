-- Who waits for events of our own hears of new ones when they are committed, whoever wrote them.
CREATE FUNCTION announce_outbox() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('headwater_outbox', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER outbox_wakes_its_relay AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION announce_outbox();
