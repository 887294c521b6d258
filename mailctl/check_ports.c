/* Contract in check.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/service.h"
#include "mailctl/check.h"
#include "mailctl/services.h"

#define LISTENS_MAX	128

static size_t
collect(const struct config_listeners *net, const char *out[LISTENS_MAX],
    size_t n)
{
	size_t	 i;

	for (i = 0; i < net->nlisten && n < LISTENS_MAX; i++)
		out[n++] = net->listen[i].address;
	return n;
}

/*
 * Tried only while the suite is down: then whoever holds the port is somebody
 * else.
 */
static void
try_bind(struct check *c, const char *address)
{
	int	 fd;

	if (strncmp(address, "unix:", 5) == 0)
		return;
	fd = service_bind(address);
	if (fd != -1)
		close(fd);
	else if (errno == EACCES)
		check_warning(c, "listen \"%s\": you may not open this port",
		    address);
	else if (errno == EADDRINUSE)
		check_error(c, "listen \"%s\": another program has this port",
		    address);
	else
		check_error(c, "listen \"%s\": %s", address, strerror(errno));
}

void
check_ports(struct check *c)
{
	const char	*address[LISTENS_MAX];
	char		 path[600];
	size_t		 n, i, k;
	bool		 up;

	n = collect(&c->cfg->smtpd.net, address, 0);
	n = collect(&c->cfg->pop3d.net, address, n);
	n = collect(&c->cfg->imapd.net, address, n);
	snprintf(path, sizeof(path), "%s/authd/authd.sock", c->cfg->run_dir);
	up = services_answers_packet(path);
	for (i = 0; i < n; i++) {
		for (k = 0; k < i; k++)
			if (strcmp(address[i], address[k]) == 0)
				break;
		if (k < i)
			check_error(c, "listen \"%s\": named twice",
			    address[i]);
		else if (!up)
			try_bind(c, address[i]);
	}
	if (n == 0)
		check_warning(c, "no listen address: nothing comes in but "
		    "local mail");
}
