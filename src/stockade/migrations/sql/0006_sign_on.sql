-- Sign-on. The gate, which knows no tenant yet, asks about one domain, one connection, one attempt or one issuer at a time;
-- it never lists. What it learns of a connection is enough to go on inside that tenant's wall, and no more.

-- The active connection that a proved domain belongs to.
create function identity.connection_of_domain(wanted text)
returns table (tenant_id uuid, connection_id uuid, kind text, name text, enforced boolean)
language sql stable security definer
begin atomic
    select c.tenant_id, c.id, c.kind, c.name, c.enforced
    from identity.domain d
    join identity.connection c on c.tenant_id = d.tenant_id and c.id = d.connection_id and c.state = 'active'
    where d.domain = wanted and d.verified_at is not null;
end;

-- Whose a connection is.
create function identity.home_of_connection(wanted uuid) returns table (tenant_id uuid, kind text, name text, state text)
language sql stable security definer
begin atomic
    select c.tenant_id, c.kind, c.name, c.state from identity.connection c where c.id = wanted;
end;

-- Whether an account of a tenant has to come by the sign-on of its domain, and whether it is one of the owners, who have a
-- way back in.
create function identity.sign_on_demanded(account uuid, tenant uuid) returns table (connection_id uuid, owner boolean)
language sql stable security definer
begin atomic
    select c.id, m.role = 'owner'
    from identity.account a
    join identity.membership m on m.account_id = a.id and m.tenant_id = tenant and m.state = 'active'
    join identity.domain d on d.tenant_id = tenant and d.domain = split_part(a.email, '@', 2) and d.verified_at is not null
    join identity.connection c on c.tenant_id = tenant and c.id = d.connection_id and c.state = 'active' and c.enforced
    where a.id = account;
end;

-- Whether no other organisation has proved a domain. It answers only about one that the pinned tenant has added itself, and
-- locks the domain's rows until the transaction ends, so that of two who prove it at the same time one is told no.
create function identity.domain_is_free(wanted uuid) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    mine identity.domain%rowtype;
begin
    select * into mine from identity.domain d where d.id = wanted and d.tenant_id = (select tenancy.current_tenant());
    if mine.id is null then
        return false;
    end if;
    perform from identity.domain d where d.domain = mine.domain order by d.tenant_id for update;
    return not exists (
        select from identity.domain d where d.domain = mine.domain and d.tenant_id <> mine.tenant_id and d.verified_at is not null);
end;
$$;

create function identity.begin_sso(
    row_id uuid, state bytea, browser bytea, tenant uuid, connection uuid, why text, going text, valid interval
) returns void
language sql volatile security definer
begin atomic
    delete from identity.sso_attempt where id in (
        select a.id from identity.sso_attempt a where a.expires_at < clock_timestamp() order by a.expires_at limit 20
        for update skip locked);
    insert into identity.sso_attempt (id, state_hash, browser_hash, tenant_id, connection_id, purpose, going_to, expires_at)
    values (row_id, state, browser, tenant, connection, why, going, clock_timestamp() + least(valid, interval '15 minutes'));
end;

-- What a post from another site is about; nothing is used up, because the browser has not shown itself.
create function identity.find_sso(state bytea, connection uuid) returns table (id uuid, tenant_id uuid)
language sql stable security definer
begin atomic
    select a.id, a.tenant_id from identity.sso_attempt a
    where a.state_hash = state and a.connection_id = connection and a.expires_at > clock_timestamp() and a.answer_sealed is null;
end;

-- Keeps what was posted, once.
create function identity.answer_sso(attempt uuid, sealed bytea) returns boolean
language sql volatile security definer
begin atomic
    update identity.sso_attempt as a set answer_sealed = sealed
    where a.id = attempt and a.answer_sealed is null and a.expires_at > clock_timestamp()
    returning true;
end;

-- Uses an attempt up: of two browsers, or two answers at the same time, one gets it.
create function identity.take_sso(state bytea, browser bytea)
returns table (id uuid, tenant_id uuid, connection_id uuid, purpose text, going_to text, answer_sealed bytea)
language sql volatile security definer
begin atomic
    delete from identity.sso_attempt as a
    where a.state_hash = state and a.browser_hash = browser and a.expires_at > clock_timestamp()
    returning a.id, a.tenant_id, a.connection_id, a.purpose, a.going_to, a.answer_sealed;
end;

-- Who trusts an issuer with one of some audiences.
create function identity.issuers_of(issued_by text, meant_for text[])
returns table (
    tenant_id uuid, id uuid, version integer, audience text, algorithms jsonb, jwks_uri text, role text,
    role_claim text, roles jsonb, required jsonb, name_claim text)
language sql stable security definer
begin atomic
    select i.tenant_id, i.id, i.version, i.audience, i.algorithms, i.jwks_uri, i.role, i.role_claim, i.roles, i.required,
        i.name_claim
    from identity.token_issuer i
    where i.issuer = issued_by and i.audience = any(meant_for) and i.state = 'active';
end;

-- Whether an outside token still admits its holder: the issuer is trusted as it was when the token was read, and the token's
-- time is not over. Called in the message that begins every transaction.
create function identity.confirm_outside(trusted uuid, expected integer, ends_at double precision) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if to_timestamp(ends_at) <= clock_timestamp() or not exists (
        select from identity.token_issuer i join tenancy.tenant t on t.id = i.tenant_id
        where i.tenant_id = (select tenancy.current_tenant()) and i.id = trusted and i.version = expected and i.state = 'active'
            and t.state = 'active'
    ) then
        raise exception 'The credential no longer admits its holder.' using errcode = 'SK401';
    end if;
end;
$$;

revoke all on function identity.connection_of_domain(text), identity.home_of_connection(uuid),
    identity.sign_on_demanded(uuid, uuid), identity.domain_is_free(uuid),
    identity.begin_sso(uuid, bytea, bytea, uuid, uuid, text, text, interval), identity.find_sso(bytea, uuid),
    identity.answer_sso(uuid, bytea), identity.take_sso(bytea, bytea), identity.issuers_of(text, text[]),
    identity.confirm_outside(uuid, integer, double precision) from public;
grant execute on function identity.connection_of_domain(text), identity.home_of_connection(uuid),
    identity.sign_on_demanded(uuid, uuid),
    identity.begin_sso(uuid, bytea, bytea, uuid, uuid, text, text, interval), identity.find_sso(bytea, uuid),
    identity.answer_sso(uuid, bytea), identity.take_sso(bytea, bytea), identity.issuers_of(text, text[]) to stockade_gate;
grant execute on function identity.domain_is_free(uuid), identity.confirm_outside(uuid, integer, double precision)
    to stockade_application, stockade_worker;

-- Last, because a role cannot change the rights on what it has handed over.
alter function identity.connection_of_domain(text) owner to stockade_doorkeeper;
alter function identity.home_of_connection(uuid) owner to stockade_doorkeeper;
alter function identity.sign_on_demanded(uuid, uuid) owner to stockade_doorkeeper;
alter function identity.domain_is_free(uuid) owner to stockade_doorkeeper;
alter function identity.begin_sso(uuid, bytea, bytea, uuid, uuid, text, text, interval) owner to stockade_doorkeeper;
alter function identity.find_sso(bytea, uuid) owner to stockade_doorkeeper;
alter function identity.answer_sso(uuid, bytea) owner to stockade_doorkeeper;
alter function identity.take_sso(bytea, bytea) owner to stockade_doorkeeper;
alter function identity.issuers_of(text, text[]) owner to stockade_doorkeeper;
