-- Numbers are dense, from 1, and never used twice: state holds the last ones given. Policies are in milliseconds, and
-- 0 stands for none of its own. Each write takes the next revision and marks with it the rows that it touched.

-- +goose Up
CREATE TABLE state (
    one              INTEGER PRIMARY KEY CHECK (one = 1),
    revision         INTEGER NOT NULL,
    last_customer    INTEGER NOT NULL,
    last_vehicle     INTEGER NOT NULL,
    last_fact        INTEGER NOT NULL,
    relayed_fact     INTEGER NOT NULL,
    relayed_position INTEGER NOT NULL,
    late_after       INTEGER NOT NULL,
    offline_after    INTEGER NOT NULL
) STRICT;

INSERT INTO state VALUES (1, 0, 0, 0, 0, 0, 0, 0, 0);

CREATE TABLE customers (
    number        INTEGER PRIMARY KEY,
    id            TEXT    NOT NULL UNIQUE,
    name          TEXT    NOT NULL,
    address       TEXT    NOT NULL,
    late_after    INTEGER NOT NULL,
    offline_after INTEGER NOT NULL,
    name_key      TEXT    NOT NULL,
    search_key    TEXT    NOT NULL,
    revision      INTEGER NOT NULL
) STRICT;

CREATE INDEX customers_by_name     ON customers (name);
CREATE INDEX customers_in_order    ON customers (name_key, number);
CREATE INDEX customers_by_revision ON customers (revision);

CREATE TABLE vehicles (
    number              INTEGER PRIMARY KEY,
    vin                 TEXT    NOT NULL UNIQUE,
    registration_number TEXT    NOT NULL,
    customer            INTEGER NOT NULL REFERENCES customers (number),
    tags                TEXT    NOT NULL,
    late_after          INTEGER NOT NULL,
    offline_after       INTEGER NOT NULL,
    paused              INTEGER NOT NULL,
    revision            INTEGER NOT NULL
) STRICT;

CREATE INDEX vehicles_by_customer ON vehicles (customer);
CREATE INDEX vehicles_by_revision ON vehicles (revision);

CREATE TABLE removed_customers (
    number   INTEGER PRIMARY KEY,
    revision INTEGER NOT NULL
) STRICT;

CREATE INDEX removed_customers_by_revision ON removed_customers (revision);

CREATE TABLE removed_vehicles (
    number   INTEGER PRIMARY KEY,
    revision INTEGER NOT NULL
) STRICT;

CREATE INDEX removed_vehicles_by_revision ON removed_vehicles (revision);

CREATE TABLE outbox (
    seq           INTEGER PRIMARY KEY,
    revision      INTEGER NOT NULL,
    fact          TEXT    NOT NULL,
    vehicle       INTEGER NOT NULL,
    customer      INTEGER NOT NULL,
    late_after    INTEGER NOT NULL,
    offline_after INTEGER NOT NULL
) STRICT;

-- +goose Down
DROP TABLE outbox;
DROP TABLE removed_vehicles;
DROP TABLE removed_customers;
DROP TABLE vehicles;
DROP TABLE customers;
DROP TABLE state;
