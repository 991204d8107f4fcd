import time
from stockade.tenancy import transaction as t
orig=t.Transaction.execute
acc={}
async def ex(self, sql, *v):
    s=time.perf_counter(); r=await orig(self, sql,*v); k=sql.strip()[:45]; acc[k]=acc.get(k,0)+time.perf_counter()-s; return r
t.Transaction.execute=ex
o2=t._Opening.__aexit__
async def axit(self,*a):
    s=time.perf_counter(); r=await o2(self,*a); acc["commit"]=acc.get("commit",0)+time.perf_counter()-s; return r
t._Opening.__aexit__=axit
from stockade.apps.demo import making as m
o3=m.make_history
def mh(*a):
    s=time.perf_counter(); r=o3(*a); acc["make_history"]=acc.get("make_history",0)+time.perf_counter()-s; return r
m.make_history=mh
o4=m.live_today
async def lt(*a):
    s=time.perf_counter(); r=await o4(*a); acc["live"]=acc.get("live",0)+time.perf_counter()-s; return r
m.live_today=lt
from tests.apps.test_demo import *
async def test_time(empty):
    s=time.perf_counter()
    await make_demo(empty.platform, empty.database, orders=3000)
    print("total", time.perf_counter()-s)
    for k,v in sorted(acc.items(), key=lambda x:-x[1])[:16]: print(round(v,2), k)
    import time as tt, asyncpg, os
    print("python cpu since start of the process", tt.process_time())
async def test_cpu(empty, server, scratch):
    import asyncpg, os
    s, c = time.perf_counter(), time.process_time()
    await make_demo(empty.platform, empty.database, orders=3000)
    print("wall", time.perf_counter()-s, "python cpu", time.process_time()-c)
    su = await asyncpg.connect(server.admin_dsn(scratch))
    tot=0
    for (pid,) in await su.fetch("select pid from pg_stat_activity where datname=current_database() and pid<>pg_backend_pid()"):
        f=open(f"/proc/{pid}/stat").read().rsplit(")",1)[1].split(); tot+=(int(f[11])+int(f[12]))/100
    print("pg cpu", tot); await su.close()
