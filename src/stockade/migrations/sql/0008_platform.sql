-- Break-glass: what an access may become is decided here, whoever asks and by whatever code.

-- Before a row is written: moments are the database's own, terms the tenant's own, and nothing that was approved changes.
create function platform.guard_break_glass() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    present constant timestamptz := clock_timestamp();
begin
    if new.tenant_id is distinct from tenancy.current_tenant() then
        raise exception 'An access is written down in the trail of the tenant that it is to.' using errcode = '42501';
    end if;
    if tg_op = 'INSERT' then
        if num_nonnulls(new.approved_by, new.approved_at, new.customer_approved_by, new.customer_approved_at, new.starts_at,
            new.expires_at, new.token_hash, new.entered_at, new.ended_at, new.ended_by) > 0 then
            raise exception 'Access is asked for first, and approved afterwards.' using errcode = 'SK410';
        end if;
        new.requested_at := present;
        new.needs_customer := coalesce((select t.operator_access_needs_approval from platform.access_terms t where t.tenant_id = new.tenant_id), false);
        if not exists (select from platform.operator o where o.id = new.operator_id and o.state = 'active') then
            raise exception 'Only an operator asks for access.' using errcode = 'SK410';
        end if;
        return new;
    end if;
    if old.ended_at is not null then
        raise exception 'This access has ended.' using errcode = 'SK411';
    end if;
    if (new.id, new.tenant_id, new.operator_id, new.reason, new.ticket, new.scope, new.read_only, new.minutes, new.requested_at, new.needs_customer)
        is distinct from
        (old.id, old.tenant_id, old.operator_id, old.reason, old.ticket, old.scope, old.read_only, old.minutes, old.requested_at, old.needs_customer) then
        raise exception 'What was asked for does not change: ask anew.' using errcode = 'SK412';
    end if;
    if (new.approved_by, new.approved_at) is distinct from (old.approved_by, old.approved_at) then
        if old.approved_by is not null or old.expires_at is not null then
            raise exception 'This request is not waiting for approval.' using errcode = 'SK411';
        end if;
        if present > old.requested_at + interval '24 hours' then
            raise exception 'A request is approved within 24 hours, or asked anew.' using errcode = 'SK413';
        end if;
        if new.approved_by = old.operator_id then
            raise exception 'Nobody approves what they asked for themselves.' using errcode = 'SK414';
        end if;
        if not exists (select from platform.operator o where o.id = new.approved_by and o.state = 'active') then
            raise exception 'Only an operator approves.' using errcode = 'SK410';
        end if;
        new.approved_at := present;
    end if;
    if (new.customer_approved_by, new.customer_approved_at) is distinct from (old.customer_approved_by, old.customer_approved_at) then
        if not old.needs_customer or old.customer_approved_by is not null or new.customer_approved_by is null then
            raise exception 'This request is not waiting for the customer.' using errcode = 'SK411';
        end if;
        -- The platform's people cannot speak for the customer: only what runs inside the tenant's pin comes here as the doorkeeper.
        if session_user = 'stockade_platform' then
            raise exception 'The customer approves, not the platform.' using errcode = 'SK414';
        end if;
        if present > old.requested_at + interval '24 hours' then
            raise exception 'A request is approved within 24 hours, or asked anew.' using errcode = 'SK413';
        end if;
        new.customer_approved_at := present;
    end if;
    if (new.starts_at, new.expires_at) is distinct from (old.starts_at, old.expires_at) then
        raise exception 'An access lasts as long as was asked for.' using errcode = 'SK412';
    end if;
    if old.starts_at is null and new.approved_at is not null and (new.customer_approved_at is not null or not new.needs_customer) then
        new.starts_at := present;
        new.expires_at := present + make_interval(mins => new.minutes);
    end if;
    if (new.token_hash, new.entered_at) is distinct from (old.token_hash, old.entered_at) then
        if old.starts_at is null or present >= old.expires_at or new.token_hash is null then
            raise exception 'This access is not open.' using errcode = 'SK411';
        end if;
        new.entered_at := present;
    end if;
    if (new.ended_at, new.ended_by) is distinct from (old.ended_at, old.ended_by) then
        new.ended_at := present;
    end if;
    return new;
end;
$$;
create trigger guard before insert or update on platform.break_glass for each row execute function platform.guard_break_glass();

-- The name behind an access to the pinned tenant, and whether its holder still works here; nothing about anybody else.
create function platform.operator_of(access uuid) returns table (name text, state text)
language sql stable security definer
begin atomic
    select o.name, o.state from platform.break_glass g join platform.operator o on o.id = g.operator_id
    where g.id = access and g.tenant_id = (select tenancy.current_tenant());
end;

create function platform.approver_of(access uuid) returns text
language sql stable security definer
begin atomic
    select o.name from platform.break_glass g join platform.operator o on o.id = g.approved_by
    where g.id = access and g.tenant_id = (select tenancy.current_tenant());
end;

-- The names of the operators who ever asked for, or approved, access to the pinned tenant, for its trail.
create function platform.operators() returns table (operator_id uuid, name text)
language sql stable security definer
begin atomic
    select distinct o.id, o.name from platform.break_glass g join platform.operator o on o.id in (g.operator_id, g.approved_by)
    where g.tenant_id = (select tenancy.current_tenant());
end;

-- Whether an access is open at this moment. Called in the message that begins each of its transactions.
create function platform.confirm(hash bytea) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    perform from platform.break_glass g
        join tenancy.tenant t on t.id = g.tenant_id
        join platform.operator_of(g.id) o on o.state = 'active'
        where g.tenant_id = (select tenancy.current_tenant()) and g.token_hash = hash and g.ended_at is null
            and g.expires_at > clock_timestamp() and t.state = 'active';
    if not found then
        raise exception 'This access has ended.' using errcode = 'SK401';
    end if;
end;
$$;

-- Writes a request down, under an access that is open.
create function platform.note_use(use_id uuid, hash bytea, asked_by text, asked_for text, request uuid) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
    insert into platform.break_glass_use (tenant_id, id, break_glass_id, at, method, path, request_id)
    select g.tenant_id, use_id, g.id, clock_timestamp(), left(asked_by, 10), left(asked_for, 500), request
    from platform.break_glass g
    where g.tenant_id = (select tenancy.current_tenant()) and g.token_hash = hash and g.ended_at is null
        and g.expires_at > clock_timestamp();
    if not found then
        raise exception 'This access has ended.' using errcode = 'SK401';
    end if;
end;
$$;

-- The pinned tenant says yes, or no more.
create function platform.approve_as_customer(access uuid, who uuid) returns boolean
language sql volatile security definer
begin atomic
    update platform.break_glass as g set customer_approved_by = who
    where g.id = access and g.tenant_id = (select tenancy.current_tenant()) returning true;
end;

create function platform.end_as_customer(access uuid, who uuid) returns boolean
language sql volatile security definer
begin atomic
    update platform.break_glass as g set ended_by = who, ended_at = clock_timestamp()
    where g.id = access and g.tenant_id = (select tenancy.current_tenant()) returning true;
end;

revoke all on all functions in schema platform from public;
grant execute on function platform.operator_of(uuid), platform.approver_of(uuid), platform.operators(), platform.confirm(bytea),
    platform.note_use(uuid, bytea, text, text, uuid), platform.approve_as_customer(uuid, uuid), platform.end_as_customer(uuid, uuid)
    to stockade_application;
grant execute on function platform.operators() to stockade_worker;
grant usage on schema platform to stockade_doorkeeper;

-- Last, because a role cannot change the rights on what it has handed over.
alter function platform.guard_break_glass() owner to stockade_doorkeeper;
alter function platform.operator_of(uuid) owner to stockade_doorkeeper;
alter function platform.approver_of(uuid) owner to stockade_doorkeeper;
alter function platform.operators() owner to stockade_doorkeeper;
alter function platform.note_use(uuid, bytea, text, text, uuid) owner to stockade_doorkeeper;
alter function platform.approve_as_customer(uuid, uuid) owner to stockade_doorkeeper;
alter function platform.end_as_customer(uuid, uuid) owner to stockade_doorkeeper;
