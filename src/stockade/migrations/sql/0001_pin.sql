-- The signed pin (stockade.tenancy.pin has its layout). The functions belong to the keeper, the only role that reads the
-- keys; their bodies hold no key, because prosrc is readable by everyone.

create table tenancy.pin_key (
    id smallint primary key check (id between 0 and 255),
    inner_pad bytea not null check (length(inner_pad) = 64),
    outer_pad bytea not null check (length(outer_pad) = 64),
    created_at timestamptz not null default now(),
    retired_at timestamptz
);
comment on table tenancy.pin_key is 'HMAC pads of the keys that sign pins. Only the keeper reads it.';

-- The payload of the pin if its MAC, expiry and session are right, else nothing. SQL with BEGIN ATOMIC is bound to these
-- very objects when it is created, so that no search path can put others in their place.
create function tenancy.verified_pin() returns bytea
language sql stable parallel restricted security definer
begin atomic
    select substr(given.pin, 1, 78)
    from (select decode(nullif(current_setting('stockade.pin', true), ''), 'hex') as pin) as given
    join tenancy.pin_key as key on key.id = case when length(given.pin) = 110 then get_byte(given.pin, 0) end
    where sha256(key.outer_pad || sha256(key.inner_pad || substr(given.pin, 1, 78))) = substr(given.pin, 79)
        and coalesce(key.retired_at > statement_timestamp(), true)
        and substr(given.pin, 39, 8)::bigint > extract(epoch from statement_timestamp()) * 1000
        and substr(given.pin, 35, 4)::integer in (pg_backend_pid(), 0);
end;

-- The pinned tenant, or null. Policies read it as (select tenancy.current_tenant()): once a statement, not once a row.
create function tenancy.current_tenant() returns uuid
language sql stable parallel restricted security definer
begin atomic
    select encode(substr(tenancy.verified_pin(), 2, 16), 'hex')::uuid;
end;

revoke all on function tenancy.verified_pin() from public;
revoke all on function tenancy.current_tenant() from public;
grant execute on function tenancy.verified_pin() to stockade_auditor;
grant execute on function tenancy.current_tenant()
    to stockade_application, stockade_worker, stockade_platform, stockade_auditor, stockade_doorkeeper;

-- Last, because a role cannot change the rights on what it has handed over.
alter table tenancy.pin_key owner to stockade_keeper;
alter function tenancy.verified_pin() owner to stockade_keeper;
alter function tenancy.current_tenant() owner to stockade_keeper;
