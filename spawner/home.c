/* Contract in home.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/config.h"
#include "lib/base/log.h"
#include "lib/base/subdir.h"
#include "spawner/home.h"

/* The length of the root that path lies below; 0: below none. */
static size_t
root_of(const struct config *conf, const char *path)
{
	const struct config_list	*roots = &conf->spawner.mail_roots;
	char				 fixed[SPAWN_PATH_MAX], *slash;
	size_t				 i;

	snprintf(fixed, sizeof(fixed), "%.*s",
	    (int)strcspn(conf->mail_home, "%"), conf->mail_home);
	if ((slash = strrchr(fixed, '/')) != NULL)
		*slash = '\0';
	if (subdir_below(path, fixed))
		return strlen(fixed);
	for (i = 0; i < roots->n; i++)
		if (subdir_below(path, roots->item[i]))
			return strlen(roots->item[i]);
	return 0;
}

static enum spawn_status
make(const struct config *conf, const struct spawn_home *h, const char **why)
{
	size_t	 root = root_of(conf, h->path);

	*why = NULL;
	if (root == 0)
		*why = "not below mail-roots";
	else if (geteuid() == 0 && (h->uid == 0 ||
	    h->uid < conf->spawner.min_uid))
		*why = "uid below min-uid";
	else if (subdir_make(h->path, root, h->uid, h->gid) == 0)
		return SPAWN_OK;
	else if (errno == EPERM)
		*why = "a directory on the way belongs to or can be changed "
		    "by somebody else";
	if (*why != NULL)
		return SPAWN_REFUSED;
	*why = strerror(errno);
	return SPAWN_LATER;
}

void
home_make(const struct config *conf, const struct spawn_home *h,
    struct spawn_answer *a)
{
	const char	*why;

	a->status = make(conf, h, &why);
	if (a->status == SPAWN_OK) {
		log_info("event=home-made path=%s uid=%lu",
		    log_esc(h->path), (unsigned long)h->uid);
		return;
	}
	snprintf(a->text, sizeof(a->text), "%s", why);
	log_warnx("event=home-refused path=%s uid=%lu reason=%s",
	    log_esc(h->path), (unsigned long)h->uid, log_esc(why));
}
