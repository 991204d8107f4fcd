-- Verified addresses and mailed links. The gate, which knows no tenant, asks about one secret or one account at a time;
-- who is behind an address that a letter was asked for, only the worker learns, one request at a time.

drop function identity.redeem_link(bytea);
drop function identity.issue_link(uuid, bytea, uuid, interval);

-- A link for a member of the pinned tenant: to sign in, or to set a password. What is mailed proves the address that the
-- account has at this moment, and no later one.
create function identity.issue_link(
    link_id uuid, hash bytea, account uuid, valid interval, what text, vouching text, browser bytea) returns boolean
language sql volatile security definer
begin atomic
    insert into identity.one_time_link (id, token_hash, account_id, tenant_id, expires_at, purpose, vouched_by, browser_hash, address)
    select link_id, hash, m.account_id, m.tenant_id, clock_timestamp() + least(valid, interval '7 days'), what, vouching, browser,
        case when vouching = 'mail' then a.email end
    from identity.membership m join identity.account a on a.id = m.account_id
    where m.account_id = account and m.tenant_id = (select tenancy.current_tenant()) and m.state = 'active'
        and what in ('sign_in', 'reset')
    returning true;
end;

-- What a link is for, and whether another browser asked for it. Nothing is used up: mail scanners open links, too.
create function identity.look_at_link(hash bytea, browser bytea) returns table (purpose text, account_id uuid, tenant_id uuid, elsewhere boolean)
language sql stable security definer
begin atomic
    select l.purpose, l.account_id, l.tenant_id, coalesce(l.browser_hash is distinct from browser and l.browser_hash is not null, false)
    from identity.one_time_link l
    where l.token_hash = hash and l.used_at is null and l.expires_at > clock_timestamp()
        and exists (select from identity.account a where a.id = l.account_id and a.state = 'active')
        and exists (select from identity.membership m
            where m.account_id = l.account_id and m.tenant_id = l.tenant_id and m.state = 'active');
end;

-- Uses a link up: of two that come at the same time, one gets the row. A link of another browser is not spent.
create function identity.redeem_link(hash bytea, browser bytea) returns table (account_id uuid, tenant_id uuid)
language sql volatile security definer
begin atomic
    with used as (
        update identity.one_time_link as l set used_at = clock_timestamp()
        where l.token_hash = hash and l.purpose = 'sign_in' and l.used_at is null and l.expires_at > clock_timestamp()
            and (l.browser_hash is null or l.browser_hash = browser)
            and exists (select from identity.account a where a.id = l.account_id and a.state = 'active')
            and exists (select from identity.membership m
                where m.account_id = l.account_id and m.tenant_id = l.tenant_id and m.state = 'active')
        returning l.account_id, l.tenant_id, l.vouched_by, l.address),
    proved as (
        update identity.account as a set email_verified_at = clock_timestamp(), verified_by = u.vouched_by
        from used u
        where a.id = u.account_id and a.email_verified_at is null and u.vouched_by is not null
            and (u.address is null or u.address = a.email))
    select u.account_id, u.tenant_id from used u;
end;

-- Uses a link up for a new password, in the browser that asked for it. Every other link to sign in or to set a password
-- that the account has is worth nothing from then on.
create function identity.use_reset(hash bytea, browser bytea, hashed text) returns table (account_id uuid, tenant_id uuid)
language sql volatile security definer
begin atomic
    with used as (
        update identity.one_time_link as l set used_at = clock_timestamp()
        where l.token_hash = hash and l.purpose = 'reset' and l.used_at is null and l.expires_at > clock_timestamp()
            and l.browser_hash = browser
            and exists (select from identity.account a where a.id = l.account_id and a.state = 'active' and a.email = l.address)
            and exists (select from identity.membership m
                where m.account_id = l.account_id and m.tenant_id = l.tenant_id and m.state = 'active')
        returning l.id, l.account_id, l.tenant_id),
    others as (
        update identity.one_time_link as l set used_at = clock_timestamp() from used u
        where l.account_id = u.account_id and l.id <> u.id and l.used_at is null and l.purpose in ('sign_in', 'reset')),
    changed as (
        update identity.account as a set password_hash = hashed,
            verified_by = coalesce(a.verified_by, 'mail'), email_verified_at = coalesce(a.email_verified_at, clock_timestamp())
        from used u where a.id = u.account_id)
    select u.account_id, u.tenant_id from used u;
end;

create function identity.is_verified(account uuid) returns boolean
language sql stable security definer
begin atomic
    select a.email_verified_at is not null from identity.account a where a.id = account;
end;

-- Notes that somebody other than a letter says that an address is its person's: for a member of the pinned tenant, once.
create function identity.vouch(account uuid, why text) returns void
language sql volatile security definer
begin atomic
    update identity.account as a set email_verified_at = clock_timestamp(), verified_by = why
    where a.id = account and a.email_verified_at is null and why in ('provider', 'operator')
        and exists (select from identity.membership m
            where m.account_id = a.id and m.tenant_id = (select tenancy.current_tenant()) and m.state = 'active');
end;

-- Writes down that a letter is asked for, and answers nothing.
create function identity.ask_letter(row_id uuid, what text, address text, browser bytea, tongue text, came_from text) returns void
language sql volatile security definer
begin atomic
    delete from identity.letter_request where id in (
        select r.id from identity.letter_request r where r.asked_at < clock_timestamp() - interval '1 day' order by r.asked_at
        limit 20);
    insert into identity.letter_request (id, wanted, email, browser_hash, locale, asked_from)
    values (row_id, what, address, browser, tongue, came_from);
end;

-- Takes a request, once, with who is behind its address: nobody, if account_id is null.
create function identity.take_letter_request(row_id uuid)
returns table (wanted text, email text, browser_hash bytea, locale text, asked_from text, asked_at timestamptz,
    account_id uuid, verified boolean, homes uuid[])
language sql volatile security definer
begin atomic
    with taken as (delete from identity.letter_request r where r.id = row_id returning r.*)
    select t.wanted, t.email, t.browser_hash, t.locale, t.asked_from, t.asked_at, a.id, a.email_verified_at is not null,
        array(select m.tenant_id from identity.membership m where m.account_id = a.id and m.state = 'active'
            order by m.created_at, m.tenant_id)
    from taken t left join identity.account a on a.email = t.email and a.state = 'active';
end;

-- Requests whose job was lost.
create function identity.letter_requests_left() returns setof uuid
language sql stable security definer
begin atomic
    select r.id from identity.letter_request r where r.asked_at < clock_timestamp() - interval '1 minute' order by r.asked_at limit 100;
end;

-- Whether the acting person's address belongs to a domain whose organisation has its people sign in by its own sign-on:
-- then the organisation's directory says what the address is.
create function identity.own_address_held() returns boolean
language sql stable security definer
begin atomic
    select exists (
        select from identity.account a
        join identity.membership m on m.account_id = a.id and m.state = 'active'
        join identity.domain d on d.tenant_id = m.tenant_id and d.domain = split_part(a.email, '@', 2) and d.verified_at is not null
        join identity.connection c on c.tenant_id = d.tenant_id and c.id = d.connection_id and c.state = 'active' and c.enforced
        where a.id = (select tenancy.acting_person()));
end;

-- Keeps an address that the acting person wants to have; it counts once its letter is followed. One at a time.
create function identity.want_own_address(link_id uuid, hash bytea, wanted text) returns void
language sql volatile security definer
begin atomic
    update identity.one_time_link as l set used_at = clock_timestamp()
    where l.account_id = identity.factors_holder() and l.purpose = 'address' and l.used_at is null;
    insert into identity.one_time_link (id, token_hash, account_id, tenant_id, expires_at, purpose, address)
    values (link_id, hash, identity.factors_holder(), (select tenancy.current_tenant()), clock_timestamp() + interval '1 day',
        'address', wanted);
end;

create function identity.own_wanted_address(hash bytea) returns text
language sql stable security definer
begin atomic
    select l.address from identity.one_time_link l
    where l.token_hash = hash and l.purpose = 'address' and l.used_at is null and l.expires_at > clock_timestamp()
        and l.account_id = (select tenancy.acting_person());
end;

-- Makes the wanted address count, for the person who wanted it alone, and keeps a way back to the former one. Links that were
-- mailed to the former address are worth nothing any more. No row: the link does not work. Taken: somebody else has the address.
create function identity.take_own_address(hash bytea, undo_id uuid, undo_hash bytea) returns table (former text, fresh text, taken boolean)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    holder constant uuid := identity.factors_holder();
    link identity.one_time_link%rowtype;
begin
    update identity.one_time_link l set used_at = clock_timestamp()
    where l.token_hash = hash and l.purpose = 'address' and l.used_at is null and l.expires_at > clock_timestamp()
        and l.account_id = holder
    returning l.* into link;
    if link.id is null then
        return;
    end if;
    select a.email into former from identity.account a where a.id = holder for update;
    fresh := link.address;
    taken := false;
    begin
        update identity.account a set email = fresh, email_verified_at = clock_timestamp(), verified_by = 'mail' where a.id = holder;
    exception when unique_violation then
        taken := true;
        return next;
        return;
    end;
    update identity.one_time_link l set used_at = clock_timestamp()
    where l.account_id = holder and l.used_at is null and l.purpose in ('sign_in', 'reset', 'address');
    insert into identity.one_time_link (id, token_hash, account_id, tenant_id, expires_at, purpose, address)
    values (undo_id, undo_hash, holder, link.tenant_id, clock_timestamp() + interval '7 days', 'undo', former);
    return next;
end;
$$;

-- Brings a former address back. Whoever changed it may know the password: it goes, and every link of the account with it.
create function identity.undo_address(hash bytea) returns table (account_id uuid, tenant_id uuid, dropped text, restored text, taken boolean)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    link identity.one_time_link%rowtype;
begin
    select l.* into link from identity.one_time_link l
    where l.token_hash = hash and l.purpose = 'undo' and l.used_at is null and l.expires_at > clock_timestamp() for update;
    if link.id is null then
        return;
    end if;
    account_id := link.account_id;
    tenant_id := link.tenant_id;
    restored := link.address;
    taken := false;
    select a.email into dropped from identity.account a where a.id = link.account_id for update;
    begin
        update identity.account a set email = restored, email_verified_at = clock_timestamp(), verified_by = 'mail', password_hash = null
        where a.id = link.account_id;
    exception when unique_violation then
        taken := true;
        return next;
        return;
    end;
    update identity.one_time_link l set used_at = clock_timestamp() where l.account_id = link.account_id and l.used_at is null;
    delete from identity.pending_sign_in p where p.account_id = link.account_id;
    delete from identity.imported_password i where i.account_id = link.account_id;
    return next;
end;
$$;

revoke all on function identity.issue_link(uuid, bytea, uuid, interval, text, text, bytea), identity.look_at_link(bytea, bytea),
    identity.redeem_link(bytea, bytea), identity.use_reset(bytea, bytea, text), identity.is_verified(uuid),
    identity.vouch(uuid, text), identity.ask_letter(uuid, text, text, bytea, text, text), identity.take_letter_request(uuid),
    identity.letter_requests_left(), identity.own_address_held(), identity.want_own_address(uuid, bytea, text),
    identity.own_wanted_address(bytea), identity.take_own_address(bytea, uuid, bytea), identity.undo_address(bytea) from public;
grant execute on function identity.issue_link(uuid, bytea, uuid, interval, text, text, bytea), identity.vouch(uuid, text)
    to stockade_application, stockade_worker;
grant execute on function identity.own_address_held(), identity.want_own_address(uuid, bytea, text),
    identity.own_wanted_address(bytea), identity.take_own_address(bytea, uuid, bytea) to stockade_application;
grant execute on function identity.take_letter_request(uuid), identity.letter_requests_left() to stockade_worker;
grant execute on function identity.look_at_link(bytea, bytea), identity.redeem_link(bytea, bytea),
    identity.use_reset(bytea, bytea, text), identity.is_verified(uuid),
    identity.ask_letter(uuid, text, text, bytea, text, text), identity.undo_address(bytea) to stockade_gate;

-- Last, because a role cannot change the rights on what it has handed over.
alter function identity.issue_link(uuid, bytea, uuid, interval, text, text, bytea) owner to stockade_doorkeeper;
alter function identity.look_at_link(bytea, bytea) owner to stockade_doorkeeper;
alter function identity.redeem_link(bytea, bytea) owner to stockade_doorkeeper;
alter function identity.use_reset(bytea, bytea, text) owner to stockade_doorkeeper;
alter function identity.is_verified(uuid) owner to stockade_doorkeeper;
alter function identity.vouch(uuid, text) owner to stockade_doorkeeper;
alter function identity.ask_letter(uuid, text, text, bytea, text, text) owner to stockade_doorkeeper;
alter function identity.take_letter_request(uuid) owner to stockade_doorkeeper;
alter function identity.letter_requests_left() owner to stockade_doorkeeper;
alter function identity.own_address_held() owner to stockade_doorkeeper;
alter function identity.want_own_address(uuid, bytea, text) owner to stockade_doorkeeper;
alter function identity.own_wanted_address(bytea) owner to stockade_doorkeeper;
alter function identity.take_own_address(bytea, uuid, bytea) owner to stockade_doorkeeper;
alter function identity.undo_address(bytea) owner to stockade_doorkeeper;
