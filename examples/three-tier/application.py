"""The application server: answers every request with a row from the database."""
import http.server

import psycopg2


def greeting():
    """The first row of the table."""
    with psycopg2.connect(host="db", dbname="inn", user="guest", password="guest", connect_timeout=5) as connection:
        with connection.cursor() as cursor:
            cursor.execute("SELECT text FROM greeting ORDER BY id LIMIT 1")
            return cursor.fetchone()[0]


class Answer(http.server.BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self):
        """Any path gets the same answer."""
        try:
            status, text = 200, greeting() + "\n"
        except psycopg2.Error as problem:
            status, text = 503, f"The database does not answer: {problem}\n"
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


http.server.ThreadingHTTPServer(("", 8000), Answer).serve_forever()
