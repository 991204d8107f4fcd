-- Every journal sums to zero in each currency when its transaction commits (double entry).

create function receivables.check_balance() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if exists (
        select from receivables.posting
        where tenant_id = new.tenant_id and journal_id = new.journal_id
        group by currency having sum(amount_minor) <> 0
    ) then
        raise exception 'The journal % does not sum to zero.', new.journal_id using errcode = '23514', constraint = 'posting_balance_check';
    end if;
    return null;
end;
$$;
revoke all on function receivables.check_balance() from public;

create constraint trigger posting_balance after insert on receivables.posting
    deferrable initially deferred for each row execute function receivables.check_balance();
