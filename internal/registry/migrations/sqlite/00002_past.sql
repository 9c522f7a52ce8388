-- What the directory said before it changed. A past row is what a customer or vehicle was until a write that changed or
-- removed it; all of both tables are numbered in one order. A moment says which numbers were given by then, and which
-- past rows were written; it is in milliseconds since 1970, by the clock of the log. There always is the moment 0, which
-- stands for all time before the next.

-- +goose Up
CREATE TABLE moments (
    at            INTEGER PRIMARY KEY,
    last_customer INTEGER NOT NULL,
    last_vehicle  INTEGER NOT NULL,
    last_past     INTEGER NOT NULL
) STRICT;

INSERT INTO moments SELECT 0, last_customer, last_vehicle, 0 FROM state;

CREATE TABLE past_customers (
    seq     INTEGER PRIMARY KEY,
    number  INTEGER NOT NULL,
    id      TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    address TEXT    NOT NULL
) STRICT;

CREATE TABLE past_vehicles (
    seq                 INTEGER PRIMARY KEY,
    number              INTEGER NOT NULL,
    vin                 TEXT    NOT NULL,
    registration_number TEXT    NOT NULL,
    customer            INTEGER NOT NULL,
    tags                TEXT    NOT NULL
) STRICT;

CREATE INDEX past_vehicles_by_vin ON past_vehicles (vin);

-- +goose Down
DROP TABLE past_vehicles;
DROP TABLE past_customers;
DROP TABLE moments;
