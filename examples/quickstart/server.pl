#!/usr/bin/perl
# A web server for the quickstart, with nothing but what every Debian has.
#
#   server.pl DIRECTORY PORT
use strict;
use warnings;
use IO::Socket::INET;

my ($directory, $port) = @ARGV;
$SIG{CHLD} = 'IGNORE';
my $server = IO::Socket::INET->new(LocalPort => $port, Listen => 16, ReuseAddr => 1) or die "port $port: $!\n";
# Whoever started this goes on once connections are taken.
exit if fork;

while (my $client = $server->accept) {
    next if fork;
    my $request = <$client> // '';
    my ($path) = $request =~ m{^GET (/[\w./-]*)};
    $path .= 'index.html' if defined $path && $path =~ m{/$};
    my ($status, $text) = ('404 Not Found', "There is nothing here.\n");
    if (defined $path && $path !~ m{\.\.} && open my $file, '<', "$directory$path") {
        local $/;
        ($status, $text) = ('200 OK', scalar <$file>);
    }
    my $length = length $text;
    print $client "HTTP/1.0 $status\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: $length\r\n\r\n$text";
    close $client;
    exit;
}
