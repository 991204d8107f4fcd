-- Whether a SCIM token still admits its holder; called in the message that begins every transaction of its requests, so that
-- a revocation holds from the next request on. A function of its own: no other credential is ever confirmed by it.
create function identity.confirm_provisioning(hash bytea) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (
        select from identity.scim_token s join tenancy.tenant t on t.id = s.tenant_id
        where s.tenant_id = (select tenancy.current_tenant()) and s.secret_hash = hash and s.revoked_at is null and t.state = 'active'
    ) then
        raise exception 'The credential no longer admits its holder.' using errcode = 'SK401';
    end if;
end;
$$;

revoke all on function identity.confirm_provisioning(bytea) from public;
grant execute on function identity.confirm_provisioning(bytea) to stockade_application, stockade_worker;
