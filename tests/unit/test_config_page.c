/*
 * merpati.conf(5) has every key, with the default and the bounds of the table
 * of keys, and no other.  Run in the top directory of the sources.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/base/config_keys.h"
#include "lib/base/io.h"

#define PAGE		"man/merpati.conf.5"
#define SECTION		".Ss Section "
#define KEY		".It Ic "
#define DEFAULT		"Default: "

static unsigned int	 seen[256];

/* The page's words for a value of the table, as the table has it. */
static const char *
table_word(const char *word, char out[1024])
{
	static const struct { const char *name, *dir; } dirs[] = {
		{ "SYSCONFDIR", SYSCONFDIR },
		{ "LOCALSTATEDIR", LOCALSTATEDIR },
		{ "RUNSTATEDIR", RUNSTATEDIR },
		{ "LIBEXECDIR", LIBEXECDIR },
	};
	size_t	 i, n;

	if (strcmp(word, "none") == 0)
		return NULL;
	if (strcmp(word, "empty") == 0)
		return "";
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		n = strlen(dirs[i].name);
		if (strncmp(word, dirs[i].name, n) != 0)
			continue;
		snprintf(out, 1024, "%s%s", dirs[i].dir, word + n);
		return out;
	}
	return word;
}

static uint64_t
number(const struct config_key *k, const char *value)
{
	struct config_times	 times = { .n = 0 };
	uint64_t		 size = 0;
	unsigned int		 n = 0;
	int			 days = 0;
	const char		*why = config_key_check(k, value);

	if (why != NULL)
		fail_msg("%s: the bound %s: %s", k->name, value, why);
	if (k->type == KEY_SIZE)
		config_key_store(k, value, &size);
	else if (k->type == KEY_DAYS) {
		config_key_store(k, value, &days);
		size = (uint64_t)days;
	} else if (k->type == KEY_TIMES) {
		config_key_store(k, value, &times);
		size = times.item[0];
	} else {
		config_key_store(k, value, &n);
		size = n;
	}
	return size;
}

/* text: "VALUE." or "VALUE; MIN to MAX." */
static void
check_default(const struct config_key *k, char *text)
{
	char		 path[1024], *min, *max;
	const char	*value;
	size_t		 len = strlen(text);

	if (len == 0 || text[len - 1] != '.')
		fail_msg("%s: no full stop after the default", k->name);
	text[len - 1] = '\0';
	if ((min = strstr(text, "; ")) != NULL) {
		*min = '\0';
		min += 2;
		max = strstr(min, " to ");
		assert_non_null(max);
		*max = '\0';
		max += 4;
		if (number(k, min) != k->min || number(k, max) != k->max)
			fail_msg("%s: bounds are %s to %s in the page", k->name,
			    min, max);
	} else if (k->max != 0)
		fail_msg("%s: the page tells no bounds", k->name);
	value = table_word(text, path);
	if ((value == NULL) != (k->value == NULL) ||
	    (value != NULL && strcmp(value, k->value) != 0))
		fail_msg("%s: default is %s, in the page %s", k->name,
		    k->value == NULL ? "none" : k->value, text);
}

/* The choices after the "=" are those of the table. */
static void
check_choices(const struct config_key *k, const char *line)
{
	char		 want[256] = "";
	const char	*p;
	size_t		 n = 0;

	if (k->choices == NULL)
		return;
	for (p = k->choices; *p != '\0' && n < sizeof(want) - 4; p++) {
		if (*p == ' ') {
			memcpy(want + n, " | ", 3);
			n += 3;
		} else
			want[n++] = *p;
	}
	if (strstr(line, want) == NULL)
		fail_msg("%s: the page lists other choices than %s", k->name,
		    k->choices);
}

static const struct config_key *
check_item(const char *section, const char *line)
{
	const struct config_key	*k;
	char			 name[64];
	size_t			 n = strcspn(line, " ");

	assert_true(n < sizeof(name));
	memcpy(name, line, n);
	name[n] = '\0';
	if ((k = config_key_find(section, name)) == NULL)
		fail_msg("no such key in section \"%s\": %s", section, name);
	check_choices(k, line);
	return k;
}

static void
the_page_agrees_with_the_table(void **state)
{
	const struct config_key	*k = NULL;
	struct buf		 page;
	char			*line, *rest, section[64] = "";
	size_t			 i;

	(void)state;
	assert_true(config_nkeys <= sizeof(seen) / sizeof(seen[0]));
	buf_init(&page, 1024 * 1024);
	assert_int_equal(io_read_file(AT_FDCWD, PAGE, &page), 0);
	buf_cstr(&page);
	for (rest = page.ptr; (line = strsep(&rest, "\n")) != NULL;) {
		if (strncmp(line, SECTION, strlen(SECTION)) == 0)
			snprintf(section, sizeof(section), "%s",
			    line + strlen(SECTION));
		else if (strncmp(line, KEY, strlen(KEY)) == 0)
			k = check_item(section, line + strlen(KEY));
		else if (strncmp(line, DEFAULT, strlen(DEFAULT)) == 0) {
			assert_non_null(k);
			check_default(k, line + strlen(DEFAULT));
			seen[k - config_keys]++;
			k = NULL;
		}
	}
	for (i = 0; i < config_nkeys; i++)
		if (seen[i] != 1)
			fail_msg("%s%s%s: %u times in the page",
			    config_keys[i].section,
			    *config_keys[i].section == '\0' ? "" : ": ",
			    config_keys[i].name, seen[i]);
	buf_free(&page);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(the_page_agrees_with_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
