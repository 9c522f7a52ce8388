-- Numbers are dense, from 1, and never used twice: state holds the last ones given. Policies are in milliseconds, and
-- 0 stands for none of its own. Each write takes the next revision and marks with it the rows that it touched. Texts
-- compare by their bytes, as in SQLite and in Go.

-- +goose Up
CREATE TABLE state (
    one              BIGINT PRIMARY KEY CHECK (one = 1),
    revision         BIGINT NOT NULL,
    last_customer    BIGINT NOT NULL,
    last_vehicle     BIGINT NOT NULL,
    last_fact        BIGINT NOT NULL,
    relayed_fact     BIGINT NOT NULL,
    relayed_position BIGINT NOT NULL,
    late_after       BIGINT NOT NULL,
    offline_after    BIGINT NOT NULL
);

INSERT INTO state VALUES (1, 0, 0, 0, 0, 0, 0, 0, 0);

CREATE TABLE customers (
    number        BIGINT PRIMARY KEY,
    id            TEXT   COLLATE "C" NOT NULL UNIQUE,
    name          TEXT   COLLATE "C" NOT NULL,
    address       TEXT   COLLATE "C" NOT NULL,
    late_after    BIGINT NOT NULL,
    offline_after BIGINT NOT NULL,
    name_key      TEXT   COLLATE "C" NOT NULL,
    search_key    TEXT   COLLATE "C" NOT NULL,
    revision      BIGINT NOT NULL
);

CREATE INDEX customers_by_name     ON customers (name);
CREATE INDEX customers_in_order    ON customers (name_key, number);
CREATE INDEX customers_by_revision ON customers (revision);

CREATE TABLE vehicles (
    number              BIGINT PRIMARY KEY,
    vin                 TEXT   COLLATE "C" NOT NULL UNIQUE,
    registration_number TEXT   COLLATE "C" NOT NULL,
    customer            BIGINT NOT NULL REFERENCES customers (number),
    tags                TEXT   COLLATE "C" NOT NULL,
    late_after          BIGINT NOT NULL,
    offline_after       BIGINT NOT NULL,
    paused              BIGINT NOT NULL,
    revision            BIGINT NOT NULL
);

CREATE INDEX vehicles_by_customer ON vehicles (customer);
CREATE INDEX vehicles_by_revision ON vehicles (revision);

CREATE TABLE removed_customers (
    number   BIGINT PRIMARY KEY,
    revision BIGINT NOT NULL
);

CREATE INDEX removed_customers_by_revision ON removed_customers (revision);

CREATE TABLE removed_vehicles (
    number   BIGINT PRIMARY KEY,
    revision BIGINT NOT NULL
);

CREATE INDEX removed_vehicles_by_revision ON removed_vehicles (revision);

CREATE TABLE outbox (
    seq           BIGINT PRIMARY KEY,
    revision      BIGINT NOT NULL,
    fact          TEXT   COLLATE "C" NOT NULL,
    vehicle       BIGINT NOT NULL,
    customer      BIGINT NOT NULL,
    late_after    BIGINT NOT NULL,
    offline_after BIGINT NOT NULL
);

-- +goose Down
DROP TABLE outbox;
DROP TABLE removed_vehicles;
DROP TABLE removed_customers;
DROP TABLE vehicles;
DROP TABLE customers;
DROP TABLE state;
