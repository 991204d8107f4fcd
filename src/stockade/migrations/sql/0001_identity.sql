-- What sign-in needs before a tenant is known, one address or one secret at a time. The functions belong to the doorkeeper;
-- the gate may call them, and nobody but the doorkeeper and the platform's operator reads the platform's identity tables.

create function identity.find_account(wanted text)
returns table (id uuid, name text, email text, password_hash text, state text, memberships jsonb)
language sql stable security definer
begin atomic
    select a.id, a.name, a.email, a.password_hash, a.state, coalesce(
        (select jsonb_agg(jsonb_build_object('tenant_id', m.tenant_id, 'role', m.role) order by m.created_at)
            from identity.membership m where m.account_id = a.id and m.state = 'active'), '[]')
    from identity.account a where a.email = wanted;
end;

-- Uses a link up: of two that come at the same time, one gets the row.
create function identity.redeem_link(hash bytea) returns table (account_id uuid, tenant_id uuid)
language sql volatile security definer
begin atomic
    update identity.one_time_link as l set used_at = clock_timestamp()
    where l.token_hash = hash and l.used_at is null and l.expires_at > clock_timestamp()
        and exists (select from identity.account a where a.id = l.account_id and a.state = 'active')
        and exists (select from identity.membership m where m.account_id = l.account_id and m.tenant_id = l.tenant_id and m.state = 'active')
    returning l.account_id, l.tenant_id;
end;

create function identity.note_attempt(attempt_id uuid, tried bytea, came_from text, why text) returns void
language sql volatile security definer
begin atomic
    insert into identity.attempt (id, email_hash, address, reason) values (attempt_id, tried, came_from, why);
end;

-- A better hash of the same password (other cost, other algorithm): only in the place of the one that was just verified.
create function identity.upgrade_password(whose uuid, verified text, better text) returns void
language sql volatile security definer
begin atomic
    update identity.account set password_hash = better where id = whose and password_hash = verified;
end;

-- The people of the pinned tenant, and nobody else.
create function identity.people() returns table (account_id uuid, name text, email text, role text, state text, membership_id uuid)
language sql stable security definer
begin atomic
    select a.id, a.name, a.email, m.role, m.state, m.id
    from identity.membership m join identity.account a on a.id = m.account_id
    where m.tenant_id = (select tenancy.current_tenant());
end;

-- Finds or makes the account behind an address that the pinned tenant invites. It answers with an id, whoever that is.
create function identity.ensure_account(new_id uuid, address text, called text) returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    found uuid;
begin
    if tenancy.current_tenant() is null then
        raise exception 'No tenant is pinned.' using errcode = '42501';
    end if;
    insert into identity.account (id, email, name, state) values (new_id, address, called, 'active') on conflict (email) do nothing;
    select a.id into found from identity.account a where a.email = address;
    return found;
end;
$$;

-- A one-time link for a member of the pinned tenant.
create function identity.issue_link(link_id uuid, hash bytea, account uuid, valid interval) returns boolean
language sql volatile security definer
begin atomic
    insert into identity.one_time_link (id, token_hash, account_id, tenant_id, expires_at)
    select link_id, hash, m.account_id, m.tenant_id, clock_timestamp() + least(valid, interval '7 days')
    from identity.membership m
    where m.account_id = account and m.tenant_id = (select tenancy.current_tenant()) and m.state = 'active'
    returning true;
end;

-- Whether a credential still admits its holder as it did when it was looked up. Called in the message that begins every
-- transaction, so that a revocation holds from the next request on, in every process.
create function identity.confirm(kind text, hash bytea, expected text) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    role text;
begin
    if kind = 'session' then
        select m.role into role from identity.session s
            join identity.membership m on m.tenant_id = s.tenant_id and m.account_id = s.account_id
            join tenancy.tenant t on t.id = s.tenant_id
            where s.tenant_id = (select tenancy.current_tenant()) and s.token_hash = hash and s.ended_at is null
                and s.expires_at > now() and m.state = 'active' and t.state = 'active';
    else
        select k.role into role from identity.api_key k
            join tenancy.tenant t on t.id = k.tenant_id
            where k.tenant_id = (select tenancy.current_tenant()) and k.secret_hash = hash and k.revoked_at is null
                and coalesce(k.expires_at > now(), true) and t.state = 'active';
    end if;
    if role is distinct from expected then
        raise exception 'The credential no longer admits its holder.' using errcode = 'SK401';
    end if;
end;
$$;

revoke all on all functions in schema identity from public;
grant execute on function identity.people(), identity.ensure_account(uuid, text, text),
    identity.issue_link(uuid, bytea, uuid, interval), identity.confirm(text, bytea, text)
    to stockade_application, stockade_worker;
-- What looks across tenants is for the gate alone, a login that holds nothing else: SQL that is injected into a tenant's
-- request runs as the application, and cannot ask whether somebody has an account.
grant execute on function identity.find_account(text), identity.redeem_link(bytea),
    identity.note_attempt(uuid, bytea, text, text), identity.upgrade_password(uuid, text, text)
    to stockade_gate;
grant usage on schema identity to stockade_doorkeeper, stockade_platform, stockade_gate;

-- Last, because a role cannot change the rights on what it has handed over.
alter function identity.find_account(text) owner to stockade_doorkeeper;
alter function identity.redeem_link(bytea) owner to stockade_doorkeeper;
alter function identity.note_attempt(uuid, bytea, text, text) owner to stockade_doorkeeper;
alter function identity.upgrade_password(uuid, text, text) owner to stockade_doorkeeper;
alter function identity.people() owner to stockade_doorkeeper;
alter function identity.ensure_account(uuid, text, text) owner to stockade_doorkeeper;
alter function identity.issue_link(uuid, bytea, uuid, interval) owner to stockade_doorkeeper;
