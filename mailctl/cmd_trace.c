/* mailctl trace: one message's life, from the logs and the queue. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/store/queue_list.h"
#include "lib/store/spool.h"
#include "mailctl/json.h"
#include "mailctl/log_lines.h"
#include "mailctl/mailctl.h"
#include "mailctl/queue_client.h"

static const char	 trace_usage[] = "mailctl trace [--json] id";

static void
time_text(const struct log_line *l, char *out, size_t size)
{
	int64_t		 s;
	uint32_t	 ns;
	struct tm	 tm;
	time_t		 t;
	size_t		 n;

	out[0] = '\0';
	if (log_lines_time(l->label, &s, &ns) == -1)
		return;
	t = (time_t)s;
	if (localtime_r(&t, &tm) == NULL)
		return;
	n = strftime(out, size, "%Y-%m-%d %H:%M:%S", &tm);
	if (n > 0)
		snprintf(out + n, size - n, ".%06u", ns / 1000);
}

static void
print_line(const struct mailctl *m, struct json *j, const struct log_line *l)
{
	char	 when[48];

	time_text(l, when, sizeof(when));
	if (!m->json) {
		printf("%-26s %s\n", when, shown(l->text));
		return;
	}
	json_open(j, NULL, '{');
	json_string(j, "time", when);
	json_string(j, "program", l->program);
	json_string(j, "line", l->text);
	json_close(j, '}');
}

static int
note_item(const struct queue_item *q, void *arg)
{
	struct queue_item	*out = arg;

	*out = *q;
	return 1;
}

/* From the files, to whom may read them: 1 found, 0 not there, -1. */
static int
find_in_files(const struct config *cfg, const char *id,
    struct queue_item *out)
{
	struct queue_selector	 which = { .by = BY_ID };
	int			 spool, n = -1;

	snprintf(which.value, sizeof(which.value), "%s", id);
	spool = open(cfg->spool_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (spool != -1)
		n = queue_list(spool, &which, note_item, out);
	io_close(spool);
	return n;
}

/* 1 with *where, 0 when it is not in the queue, -1 when nobody can say. */
static int
find_in_queue(const struct config *cfg, const char *id,
    enum queue_where *where)
{
	static struct queue_item	 item;
	static struct ipc_msg		 msg, ans;
	struct control_request		 req = { .verb = CONTROL_SHOW,
	    .which = { .by = BY_ID }, .fd = -1 };
	struct control_shown		 s;
	int				 sock = queue_connect(cfg), n = -1;

	if (sock == -1) {
		n = find_in_files(cfg, id, &item);
		if (n == 1)
			*where = item.where;
		return n;
	}
	snprintf(req.which.value, sizeof(req.which.value), "%s", id);
	proto_control_put_request(&msg, 1, &req);
	if (ipc_call(sock, &msg, &ans, CONTROL_TIMEOUT_MS) == 0) {
		n = 0;
		if (strcmp(ans.verb, "shown") != 0)
			ipc_drop(&ans);
		else if (proto_control_get_shown(&ans, &s) == 0) {
			io_close(s.message);
			io_close(s.state);
			*where = s.where;
			n = 1;
		} else
			n = -1;
	}
	close(sock);
	return n;
}

static void
print_place(const struct mailctl *m, struct json *j, const char *id)
{
	enum queue_where	 where = QUEUE_NEW;
	int			 n = find_in_queue(m->cfg, id, &where);
	const char		*text;

	text = n == 1 ? queue_where_name(where) : n == 0 ? "gone" : "unknown";
	if (m->json)
		json_string(j, "now", text);
	else if (n == 1)
		printf("now in the queue: %s\n", text);
	else if (n == 0)
		printf("not in the queue\n");
	else
		printf("whether it is in the queue cannot be told: "
		    "queue-runner does not answer\n");
}

static int
trace(struct mailctl *m, const char *id)
{
	const struct config	*cfg = mailctl_config(m);
	struct log_lines	 l = { 0 };
	struct json		 j;
	char			 failed[PATH_MAX];
	size_t			 i;
	int			 code = EX_OK;

	if (cfg->log_dir == NULL)
		return complain(EX_CONFIG, "log-dir is not set in %s",
		    cfg->file);
	if (log_lines_read(&l, cfg->log_dir, id, failed,
	    sizeof(failed)) == -1)
		code = complain(errno == EACCES ? EX_NOPERM : EX_NOINPUT,
		    "%s: %s", failed, strerror(errno));
	log_lines_sort(&l);
	json_init(&j, stdout);
	if (m->json) {
		json_open(&j, NULL, '{');
		json_open(&j, "lines", '[');
	}
	for (i = 0; i < l.n; i++)
		print_line(m, &j, &l.line[i]);
	if (m->json)
		json_close(&j, ']');
	print_place(m, &j, id);
	if (m->json) {
		json_close(&j, '}');
		json_line(&j);
	}
	if (l.n == 0 && code == EX_OK)
		code = complain(EX_NOINPUT, "no log line names %s", id);
	log_lines_free(&l);
	return code;
}

int
cmd_trace(struct mailctl *m, int argc, char **argv)
{
	const char	*id = only_word(m, argc, argv, trace_usage);

	if (id == NULL)
		return EX_USAGE;
	if (!spool_id_valid(id))
		return complain(EX_USAGE, "%s: not a message's id", shown(id));
	return trace(m, id);
}
