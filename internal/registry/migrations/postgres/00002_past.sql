-- What the directory said before it changed. A past row is what a customer or vehicle was until a write that changed or
-- removed it; all of both tables are numbered in one order. A moment says which numbers were given by then, and which
-- past rows were written; it is in milliseconds since 1970, by the clock of the log. There always is the moment 0, which
-- stands for all time before the next.

-- +goose Up
CREATE TABLE moments (
    at            BIGINT PRIMARY KEY,
    last_customer BIGINT NOT NULL,
    last_vehicle  BIGINT NOT NULL,
    last_past     BIGINT NOT NULL
);

INSERT INTO moments SELECT 0, last_customer, last_vehicle, 0 FROM state;

CREATE TABLE past_customers (
    seq     BIGINT PRIMARY KEY,
    number  BIGINT NOT NULL,
    id      TEXT   COLLATE "C" NOT NULL,
    name    TEXT   COLLATE "C" NOT NULL,
    address TEXT   COLLATE "C" NOT NULL
);

CREATE TABLE past_vehicles (
    seq                 BIGINT PRIMARY KEY,
    number              BIGINT NOT NULL,
    vin                 TEXT   COLLATE "C" NOT NULL,
    registration_number TEXT   COLLATE "C" NOT NULL,
    customer            BIGINT NOT NULL,
    tags                TEXT   COLLATE "C" NOT NULL
);

CREATE INDEX past_vehicles_by_vin ON past_vehicles (vin);

-- +goose Down
DROP TABLE past_vehicles;
DROP TABLE past_customers;
DROP TABLE moments;
