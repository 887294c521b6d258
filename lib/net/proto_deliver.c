/* Contract in proto_deliver.h. */
#include <errno.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/net/proto_deliver.h"
#include "lib/net/proto_fields.h"

void
proto_deliver_put_job(struct ipc_msg *m, uint64_t id,
    const struct deliver_job *j)
{
	ipc_start(m, "job", id);
	ipc_put(m, "id", j->id);
	ipc_put_u64(m, "number", j->number);
	ipc_put_u64(m, "again", j->again);
	ipc_put_u64(m, "arrived", (uint64_t)j->arrived);
	ipc_put_text(m, "sender", j->sender);
	ipc_put_text(m, "recipient", j->recipient);
	ipc_put_text(m, "user", j->user);
	ipc_put_text(m, "home", j->home);
	ipc_put_u64(m, "quota-octets", j->quota_octets);
	ipc_put_u64(m, "quota-count", j->quota_count);
	ipc_put_u64(m, "offset", j->offset);
	ipc_put_u64(m, "len", j->len);
	ipc_put_u64(m, "utf8", j->utf8);
	ipc_attach(m, j->fd);
}

int
proto_deliver_get_job(struct ipc_msg *m, struct deliver_job *j)
{
	uint64_t	 n;

	ipc_expect(m, "job");
	proto_get_id(m, j->id);
	proto_get_number(m, "number", &j->number);
	j->again = proto_get_bool(m, "again");
	ipc_get_u64(m, "arrived", INT64_MAX, &n);
	j->arrived = (int64_t)n;
	proto_get_line(m, "sender", j->sender, sizeof(j->sender));
	proto_get_line(m, "recipient", j->recipient, sizeof(j->recipient));
	proto_get_line(m, "user", j->user, sizeof(j->user));
	ipc_get_text(m, "home", j->home, sizeof(j->home));
	ipc_get_u64(m, "quota-octets", UINT64_MAX, &j->quota_octets);
	ipc_get_u64(m, "quota-count", UINT64_MAX, &j->quota_count);
	ipc_get_u64(m, "offset", INT64_MAX, &j->offset);
	/* The end too must be an offset: offset + len never overflows. */
	ipc_get_u64(m, "len", INT64_MAX - j->offset, &j->len);
	ipc_get_u64(m, "utf8", 1, &j->utf8);
	j->fd = ipc_take_fd(m);
	if (ipc_end(m) == 0)
		return 0;
	io_close(j->fd);
	j->fd = -1;
	return -1;
}

void
proto_deliver_put_result(struct ipc_msg *m, uint64_t id,
    const struct deliver_result *r)
{
	ipc_start(m, "result", id);
	ipc_put(m, "id", r->id);
	ipc_put_u64(m, "number", r->number);
	proto_put_verdict(m, r->verdict, r->code);
	ipc_put_text(m, "text", r->text);
}

int
proto_deliver_get_result(struct ipc_msg *m, struct deliver_result *r)
{
	ipc_expect(m, "result");
	proto_get_id(m, r->id);
	proto_get_number(m, "number", &r->number);
	proto_get_verdict(m, &r->verdict, r->code);
	ipc_get_text(m, "text", r->text, sizeof(r->text));
	return ipc_end(m);
}
