-- Factors. A signed-in person reaches their own by functions that take the person from the signed pin, never from a
-- parameter; the sign-in, which has no pin yet, asks as the gate for one account or one credential at a time.

-- The person that the pin names: null for a key, a job, the system, or without a genuine pin.
create function tenancy.acting_person() returns uuid
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp
as $$
declare
    pin constant bytea := tenancy.verified_pin();
begin
    if pin is null or (get_byte(pin, 33) & 15) <> 1 then
        return null;
    end if;
    return encode(substr(pin, 18, 16), 'hex')::uuid;
end;
$$;

-- As above, but an error for nobody: what changes factors has somebody whose they are.
create function identity.factors_holder() returns uuid
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    person constant uuid := tenancy.acting_person();
begin
    if person is null then
        raise exception 'No person is pinned.' using errcode = '42501';
    end if;
    return person;
end;
$$;

-- Challenges that nobody may answer any more go when new ones come, a few at a time.
create function identity.open_challenge(challenge_id uuid, hash bytea, why text, account uuid, browser bytea) returns void
language sql volatile security definer
begin atomic
    delete from identity.passkey_challenge where id in (
        select c.id from identity.passkey_challenge c where c.expires_at < clock_timestamp() - interval '1 hour'
        order by c.expires_at limit 20 for update skip locked);
    insert into identity.passkey_challenge (id, challenge_hash, purpose, account_id, browser_hash, expires_at)
    values (challenge_id, hash, why, account, browser, clock_timestamp() + interval '5 minutes');
end;

-- Uses a challenge up: of two answers that come at the same time, one gets it. It answers with the account that it was
-- made for (null: nobody's yet), and with no row if it is not that browser's, another purpose's, old or used.
create function identity.take_challenge(hash bytea, why text, browser bytea) returns table (account_id uuid)
language sql volatile security definer
begin atomic
    update identity.passkey_challenge as c set used_at = clock_timestamp()
    where c.challenge_hash = hash and c.purpose = why and c.browser_hash = browser and c.used_at is null
        and c.expires_at > clock_timestamp()
    returning c.account_id;
end;

-- The gate's: signing in and proving oneself again. Enrolling is not among its purposes.
create function identity.open_sign_in_challenge(challenge_id uuid, hash bytea, account uuid, browser bytea) returns void
language sql volatile security definer
begin atomic
    select identity.open_challenge(challenge_id, hash, case when account is null then 'sign_in' else 'step_up' end, account, browser);
end;

create function identity.take_sign_in_challenge(hash bytea, account uuid, browser bytea) returns boolean
language sql volatile security definer
begin atomic
    select exists (
        select from identity.take_challenge(hash, case when account is null then 'sign_in' else 'step_up' end, browser) t
        where t.account_id is not distinct from account);
end;

create function identity.find_passkey(credential bytea) returns table (id uuid, account_id uuid, public_key bytea, name text)
language sql stable security definer
begin atomic
    select p.id, p.account_id, p.public_key, p.name
    from identity.passkey p join identity.account a on a.id = p.account_id and a.state = 'active'
    where p.credential_id = credential and p.revoked_at is null;
end;

-- What a browser is asked for when somebody known proves themselves again.
create function identity.usable_passkeys(account uuid) returns table (credential_id bytea, transports jsonb)
language sql stable security definer
begin atomic
    select p.credential_id, p.transports from identity.passkey p
    where p.account_id = account and p.revoked_at is null order by p.created_at;
end;

-- Notes a verified signature. A count that does not rise means that two devices sign with one key: the signature is
-- refused, and the passkey revoked unless every organisation of its holder has decided otherwise.
create function identity.use_passkey(passkey uuid, counted bigint, held_twice boolean) returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    kept identity.passkey%rowtype;
begin
    select * into kept from identity.passkey p where p.id = passkey for update;
    if kept.id is null or kept.revoked_at is not null then
        return 'revoked';
    end if;
    if counted > kept.sign_count or (counted = 0 and kept.sign_count = 0) then
        update identity.passkey as p set sign_count = counted, backed_up = held_twice, last_used_at = clock_timestamp()
        where p.id = kept.id;
        return 'used';
    end if;
    update identity.passkey as p set cloned_at = clock_timestamp(), revoked_at = case
        when exists (
            select from identity.membership m left join identity.factor_policy f on f.tenant_id = m.tenant_id
            where m.account_id = kept.account_id and m.state = 'active' and coalesce(f.cloned, 'revoke') = 'revoke')
        then clock_timestamp() end
    where p.id = kept.id;
    return 'cloned';
end;
$$;

-- Whether a passkey meets what one organisation demands of passkeys: its holder may have enrolled it in another one.
create function identity.passkey_admitted(tenant uuid, passkey uuid) returns boolean
language sql stable security definer
begin atomic
    select exists (
        select from identity.passkey p left join identity.factor_policy f on f.tenant_id = tenant
        where p.id = passkey and p.revoked_at is null
            and (coalesce(f.attestation, 'none') = 'none' or p.attested)
            and (coalesce(f.aaguids, '[]') = '[]' or f.aaguids @> to_jsonb(p.aaguid::text)));
end;

create function identity.find_totp(account uuid) returns table (id uuid, seed_sealed bytea, last_step bigint)
language sql stable security definer
begin atomic
    select t.id, t.seed_sealed, t.last_step from identity.totp t where t.account_id = account and t.confirmed_at is not null;
end;

-- Uses a time step up: of two that come with the same code, one gets it; an older code is worth nothing after a newer.
create function identity.use_totp_step(totp uuid, step bigint) returns boolean
language sql volatile security definer
begin atomic
    update identity.totp as t set last_step = step
    where t.id = totp and t.confirmed_at is not null and t.last_step < step
    returning true;
end;

create function identity.use_recovery_code(account uuid, hash bytea) returns boolean
language sql volatile security definer
begin atomic
    update identity.recovery_code as r set used_at = clock_timestamp()
    where r.account_id = account and r.code_hash = hash and r.used_at is null
    returning true;
end;

create function identity.held_factors(account uuid) returns table (passkeys integer, totp boolean, recovery_left integer)
language sql stable security definer
begin atomic
    select (select count(*) from identity.passkey p where p.account_id = account and p.revoked_at is null)::integer,
        exists (select from identity.totp t where t.account_id = account and t.confirmed_at is not null),
        (select count(*) from identity.recovery_code r where r.account_id = account and r.used_at is null)::integer;
end;

create function identity.demanded_factors(tenant uuid) returns table (second_factor_required boolean, passwords_allowed boolean)
language sql stable security definer
begin atomic
    select f.second_factor_required, f.passwords_allowed from identity.factor_policy f where f.tenant_id = tenant;
end;

-- Where somebody is told that a factor of theirs was used up or turned suspicious while they signed in.
create function identity.homes_of(account uuid) returns setof uuid
language sql stable security definer
begin atomic
    select m.tenant_id from identity.membership m where m.account_id = account and m.state = 'active' order by m.created_at;
end;

-- The acting person's own.
create function identity.own_factors() returns table (passkeys integer, totp boolean, recovery_left integer)
language sql stable security definer
begin atomic
    select h.passkeys, h.totp, h.recovery_left from identity.held_factors((select tenancy.acting_person())) h;
end;

create function identity.own_passkeys() returns table (
    id uuid, name text, aaguid uuid, attested boolean, backed_up boolean, created_at timestamptz, last_used_at timestamptz,
    revoked_at timestamptz, cloned_at timestamptz, credential_id bytea, transports jsonb)
language sql stable security definer
begin atomic
    select p.id, p.name, p.aaguid, p.attested, p.backed_up, p.created_at, p.last_used_at, p.revoked_at, p.cloned_at,
        p.credential_id, p.transports
    from identity.passkey p where p.account_id = (select tenancy.acting_person()) order by p.created_at, p.id;
end;

create function identity.open_own_challenge(challenge_id uuid, hash bytea, browser bytea) returns void
language sql volatile security definer
begin atomic
    select identity.open_challenge(challenge_id, hash, 'enrol', identity.factors_holder(), browser);
end;

create function identity.take_own_challenge(hash bytea, browser bytea) returns boolean
language sql volatile security definer
begin atomic
    select exists (select from identity.take_challenge(hash, 'enrol', browser) t where t.account_id = identity.factors_holder());
end;

create function identity.add_own_passkey(
    passkey uuid, credential bytea, key bytea, counted bigint, ways jsonb, model uuid, vouched boolean, called text,
    held_twice boolean) returns void
language sql volatile security definer
begin atomic
    insert into identity.passkey (
        id, account_id, credential_id, public_key, sign_count, transports, aaguid, attested, name, backed_up)
    values (passkey, identity.factors_holder(), credential, key, counted, ways, model, vouched, called, held_twice);
end;

create function identity.rename_own_passkey(passkey uuid, called text) returns boolean
language sql volatile security definer
begin atomic
    update identity.passkey as p set name = called
    where p.id = passkey and p.account_id = (select tenancy.acting_person()) and p.revoked_at is null
    returning true;
end;

create function identity.revoke_own_passkey(passkey uuid) returns text
language sql volatile security definer
begin atomic
    update identity.passkey as p set revoked_at = clock_timestamp()
    where p.id = passkey and p.account_id = (select tenancy.acting_person()) and p.revoked_at is null
    returning p.name;
end;

create function identity.begin_own_totp(totp uuid, sealed bytea) returns void
language sql volatile security definer
begin atomic
    delete from identity.totp as t where t.account_id = identity.factors_holder() and t.confirmed_at is null;
    insert into identity.totp (id, account_id, seed_sealed) values (totp, identity.factors_holder(), sealed);
end;

create function identity.own_totp() returns table (id uuid, seed_sealed bytea, created_at timestamptz, confirmed_at timestamptz)
language sql stable security definer
begin atomic
    select t.id, t.seed_sealed, t.created_at, t.confirmed_at
    from identity.totp t where t.account_id = (select tenancy.acting_person());
end;

-- Takes the place of the app that was there: its seed goes.
create function identity.confirm_own_totp(totp uuid, step bigint) returns boolean
language sql volatile security definer
begin atomic
    delete from identity.totp as t where t.account_id = identity.factors_holder() and t.confirmed_at is not null
        and exists (select from identity.totp n where n.id = totp and n.account_id = t.account_id and n.confirmed_at is null);
    update identity.totp as t set confirmed_at = clock_timestamp(), last_step = step
    where t.id = totp and t.account_id = identity.factors_holder() and t.confirmed_at is null
        and t.created_at > clock_timestamp() - interval '1 hour'
    returning true;
end;

create function identity.remove_own_totp() returns integer
language sql volatile security definer
begin atomic
    with gone as (
        delete from identity.totp as t where t.account_id = identity.factors_holder() returning t.confirmed_at)
    select count(gone.confirmed_at)::integer from gone;
end;

create function identity.replace_own_recovery_codes(ids uuid[], hashes bytea[]) returns void
language sql volatile security definer
begin atomic
    delete from identity.recovery_code as r where r.account_id = identity.factors_holder();
    insert into identity.recovery_code (id, account_id, code_hash)
    select fresh.id, identity.factors_holder(), fresh.hash from unnest(ids, hashes) as fresh (id, hash);
end;

revoke all on function tenancy.acting_person(), identity.factors_holder(),
    identity.open_challenge(uuid, bytea, text, uuid, bytea), identity.take_challenge(bytea, text, bytea),
    identity.open_sign_in_challenge(uuid, bytea, uuid, bytea), identity.take_sign_in_challenge(bytea, uuid, bytea),
    identity.find_passkey(bytea), identity.usable_passkeys(uuid), identity.use_passkey(uuid, bigint, boolean),
    identity.passkey_admitted(uuid, uuid), identity.find_totp(uuid), identity.use_totp_step(uuid, bigint),
    identity.use_recovery_code(uuid, bytea), identity.held_factors(uuid), identity.demanded_factors(uuid),
    identity.homes_of(uuid), identity.own_factors(), identity.own_passkeys(),
    identity.open_own_challenge(uuid, bytea, bytea), identity.take_own_challenge(bytea, bytea),
    identity.add_own_passkey(uuid, bytea, bytea, bigint, jsonb, uuid, boolean, text, boolean),
    identity.rename_own_passkey(uuid, text), identity.revoke_own_passkey(uuid), identity.begin_own_totp(uuid, bytea),
    identity.own_totp(), identity.confirm_own_totp(uuid, bigint), identity.remove_own_totp(),
    identity.replace_own_recovery_codes(uuid[], bytea[]) from public;
grant execute on function identity.own_factors(), identity.own_passkeys(),
    identity.open_own_challenge(uuid, bytea, bytea), identity.take_own_challenge(bytea, bytea),
    identity.add_own_passkey(uuid, bytea, bytea, bigint, jsonb, uuid, boolean, text, boolean),
    identity.rename_own_passkey(uuid, text), identity.revoke_own_passkey(uuid), identity.begin_own_totp(uuid, bytea),
    identity.own_totp(), identity.confirm_own_totp(uuid, bigint), identity.remove_own_totp(),
    identity.replace_own_recovery_codes(uuid[], bytea[]) to stockade_application;
grant execute on function identity.open_sign_in_challenge(uuid, bytea, uuid, bytea),
    identity.take_sign_in_challenge(bytea, uuid, bytea), identity.find_passkey(bytea), identity.usable_passkeys(uuid),
    identity.use_passkey(uuid, bigint, boolean), identity.passkey_admitted(uuid, uuid), identity.find_totp(uuid),
    identity.use_totp_step(uuid, bigint), identity.use_recovery_code(uuid, bytea), identity.held_factors(uuid),
    identity.demanded_factors(uuid), identity.homes_of(uuid) to stockade_gate;
-- What the functions above call in the doorkeeper's name.
grant execute on function tenancy.acting_person() to stockade_doorkeeper;

-- Last, because a role cannot change the rights on what it has handed over.
alter function tenancy.acting_person() owner to stockade_keeper;
alter function identity.factors_holder() owner to stockade_doorkeeper;
alter function identity.open_challenge(uuid, bytea, text, uuid, bytea) owner to stockade_doorkeeper;
alter function identity.take_challenge(bytea, text, bytea) owner to stockade_doorkeeper;
alter function identity.open_sign_in_challenge(uuid, bytea, uuid, bytea) owner to stockade_doorkeeper;
alter function identity.take_sign_in_challenge(bytea, uuid, bytea) owner to stockade_doorkeeper;
alter function identity.find_passkey(bytea) owner to stockade_doorkeeper;
alter function identity.usable_passkeys(uuid) owner to stockade_doorkeeper;
alter function identity.use_passkey(uuid, bigint, boolean) owner to stockade_doorkeeper;
alter function identity.passkey_admitted(uuid, uuid) owner to stockade_doorkeeper;
alter function identity.find_totp(uuid) owner to stockade_doorkeeper;
alter function identity.use_totp_step(uuid, bigint) owner to stockade_doorkeeper;
alter function identity.use_recovery_code(uuid, bytea) owner to stockade_doorkeeper;
alter function identity.held_factors(uuid) owner to stockade_doorkeeper;
alter function identity.demanded_factors(uuid) owner to stockade_doorkeeper;
alter function identity.homes_of(uuid) owner to stockade_doorkeeper;
alter function identity.own_factors() owner to stockade_doorkeeper;
alter function identity.own_passkeys() owner to stockade_doorkeeper;
alter function identity.open_own_challenge(uuid, bytea, bytea) owner to stockade_doorkeeper;
alter function identity.take_own_challenge(bytea, bytea) owner to stockade_doorkeeper;
alter function identity.add_own_passkey(uuid, bytea, bytea, bigint, jsonb, uuid, boolean, text, boolean) owner to stockade_doorkeeper;
alter function identity.rename_own_passkey(uuid, text) owner to stockade_doorkeeper;
alter function identity.revoke_own_passkey(uuid) owner to stockade_doorkeeper;
alter function identity.begin_own_totp(uuid, bytea) owner to stockade_doorkeeper;
alter function identity.own_totp() owner to stockade_doorkeeper;
alter function identity.confirm_own_totp(uuid, bigint) owner to stockade_doorkeeper;
alter function identity.remove_own_totp() owner to stockade_doorkeeper;
alter function identity.replace_own_recovery_codes(uuid[], bytea[]) owner to stockade_doorkeeper;
