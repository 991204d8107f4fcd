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

-- The payload of the pin if its MAC, expiry and session are right, else nothing. It is called once for each table of a
-- statement: PL/pgSQL keeps the look-up's plan for the session, where a function in SQL starts an executor each time
-- (8 against 30 microseconds). Names are qualified, operators
-- and types too, so that no search path of the caller's puts others in their place.
create function tenancy.verified_pin() returns bytea
language plpgsql stable parallel restricted security definer
as $$
declare
    pin constant bytea := pg_catalog.decode(nullif(pg_catalog.current_setting('stockade.pin', true), ''), 'hex');
    key tenancy.pin_key%rowtype;
begin
    if pin is null or pg_catalog.length(pin) operator(pg_catalog.<>) 110 then
        return null;
    end if;
    select * into key from tenancy.pin_key where id operator(pg_catalog.=) pg_catalog.get_byte(pin, 0);
    if key.id is null
        or pg_catalog.sha256(key.outer_pad operator(pg_catalog.||)
            pg_catalog.sha256(key.inner_pad operator(pg_catalog.||) pg_catalog.substr(pin, 1, 78)))
            operator(pg_catalog.<>) pg_catalog.substr(pin, 79)
        or coalesce(key.retired_at operator(pg_catalog.<=) pg_catalog.statement_timestamp(), false)
        or pg_catalog.substr(pin, 39, 8)::bigint
            operator(pg_catalog.<=) (extract(epoch from pg_catalog.statement_timestamp()) operator(pg_catalog.*) 1000)
        or (pg_catalog.substr(pin, 35, 4)::integer operator(pg_catalog.<>) pg_catalog.pg_backend_pid()
            and pg_catalog.substr(pin, 35, 4)::integer operator(pg_catalog.<>) 0)
    then
        return null;
    end if;
    return pg_catalog.substr(pin, 1, 78);
end;
$$;

-- The pinned tenant, or null. Policies read it as (select tenancy.current_tenant()): once a statement, not once a row.
create function tenancy.current_tenant() returns uuid
language plpgsql stable parallel restricted security definer
as $$
begin
    return pg_catalog.encode(pg_catalog.substr(tenancy.verified_pin(), 2, 16), 'hex')::pg_catalog.uuid;
end;
$$;

revoke all on function tenancy.verified_pin() from public;
revoke all on function tenancy.current_tenant() from public;
grant execute on function tenancy.verified_pin() to stockade_auditor;
grant execute on function tenancy.current_tenant()
    to stockade_application, stockade_worker, stockade_platform, stockade_auditor, stockade_doorkeeper;

-- Last, because a role cannot change the rights on what it has handed over.
alter table tenancy.pin_key owner to stockade_keeper;
alter function tenancy.verified_pin() owner to stockade_keeper;
alter function tenancy.current_tenant() owner to stockade_keeper;
